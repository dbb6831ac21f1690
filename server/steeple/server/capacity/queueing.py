"""Waiting times in closed form: what the simulation is checked against, and what machines are counted by."""

from __future__ import annotations

import math
from statistics import NormalDist


def erlang_c(servers: int, offered: float) -> float:
    """Probability that a query has to wait at ``servers`` that share one queue (Erlang, 1917).

    Args:
        servers: At least 1.
        offered: Arrivals in the time of one service; below ``servers``, or everybody waits.
    """
    if offered >= servers:
        return 1.0
    if offered <= 0:
        return 0.0
    inverse = 1.0  # of Erlang's loss formula, server by server: no factorials, so it stands any number of them
    for number in range(1, servers + 1):
        inverse = 1.0 + number / offered * inverse
    loss = 1.0 / inverse
    return loss / (1.0 - offered / servers * (1.0 - loss))


def mean_wait(rate: float, service: float, *, servers: int = 1, spread: float = 1.0, burst: float = 1.0) -> float:
    """Mean seconds before service begins; infinite where more comes than can be done.

    Exact for exponential services (M/M/c) and for one server with any (M/G/1, Pollaczek-Khinchine); between, the
    approximation of Allen and Cunneen. Exact also for one server with exponential services and batches.

    Args:
        rate: Arrivals a second.
        service: Mean seconds.
        servers: That share one queue.
        spread: Standard deviation of a service over its mean; 0: constant, 1: exponential.
        burst: Mean of how many come at once, a geometric number; 1: they come one by one (Poisson).
    """
    load = rate * service / servers
    if load >= 1:
        return math.inf
    if load <= 0:
        return 0.0
    waits = erlang_c(servers, rate * service)
    variation = (2 * burst - 1 + spread * spread) / 2
    together = burst - 1  # of those who come at once, all but the first wait for others
    return (waits * variation / (1 - load) + together) * service / servers


def wait_percentile(
    share: float, rate: float, service: float, *, servers: int = 1, spread: float = 1.0, burst: float = 1.0
) -> float:
    """Seconds that ``share`` of the queries wait at most: exact for M/M/c, else as if the tail were exponential.

    Args:
        share: From 0 to below 1.
        rate: As for :func:`mean_wait`, and so are the others.
        service: Mean seconds.
        servers: That share one queue.
        spread: Of services.
        burst: Of arrivals.
    """
    mean = mean_wait(rate, service, servers=servers, spread=spread, burst=burst)
    if not 0 < mean < math.inf:
        return mean
    waits = erlang_c(servers, rate * service)
    waits = 1 - (1 - waits) / burst  # in a burst, all but the first wait
    return mean / waits * math.log(waits / (1 - share)) if waits > 1 - share else 0.0


def slowest(machines: int, mean: float) -> float:
    """Mean of the largest of as many exponential times: what a query waits for that all machines are asked."""
    return mean * sum(1 / number for number in range(1, machines + 1))


def slowest_percentile(share: float, machines: int, mean: float, spread: float) -> float:
    """What the largest of as many independent times stays below in ``share`` of the cases, if they are normal.

    Args:
        share: From above 0 to below 1.
        machines: That are asked at once.
        mean: Of the time of one.
        spread: Its standard deviation over its mean.
    """
    return mean * max(1.0, 1 + spread * NormalDist().inv_cdf(share ** (1 / machines)))
