"""Weight decay groups, layer-wise rates, schedules, weight averages."""
