"""What earlier versions have left on a host is read by this one."""
