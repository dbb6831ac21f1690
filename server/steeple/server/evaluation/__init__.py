"""How well photographs are recognised, and how far the confidence can be trusted."""

from steeple.server.evaluation.dataset import Dataset, Photo, Role
from steeple.server.evaluation.metrics import Metrics, Outcome, measure
from steeple.server.evaluation.run import QueryResult, answer_all

__all__ = ["Dataset", "Metrics", "Outcome", "Photo", "QueryResult", "Role", "answer_all", "measure"]
