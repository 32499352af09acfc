"""The `waitrepo` task: Koji's own, which looks as often as everybody else who waits for a repo does.

Its own pause of a minute was made for hubs that had to be asked for all they know. Now a look is one call about one
request, and a chain of builds waits for a repo before each of its levels.
"""

import koji.tasks
from koji.util import RepoWatcher


class WaitrepoTask(koji.tasks.WaitrepoTask):
    """Wait for a repo that has certain builds, or is new enough."""

    PAUSE = RepoWatcher.PAUSE
