from old_fixtures import *  # noqa: F403
