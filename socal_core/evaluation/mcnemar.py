"""McNemar's exact test of paired yes-or-no observations, without scikit-learn, since the Dataset page uses it."""

from scipy.stats import binomtest


def exact_mcnemar(only_first: int, only_second: int) -> float | None:
    """Test whether two paired proportions differ (McNemar, Psychometrika 1947;12:153), by the exact binomial test.

    Args:
        only_first: Number of pairs in which only the first observation is yes.
        only_second: Number of pairs in which only the second one is.

    Returns:
        The two-sided p value, or None if no pair differs.
    """
    discordant = only_first + only_second
    return float(binomtest(only_first, discordant).pvalue) if discordant else None
