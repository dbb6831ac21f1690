"""How a server learns of what others on the same database have changed, and goes by it."""

from steeple.server.following.followers import Followers
from steeple.server.following.following import Following

__all__ = ["Followers", "Following"]
