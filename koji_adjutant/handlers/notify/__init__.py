"""The tasks that send mail: buildNotification, tagNotification."""
