"""Who decays, layer-wise rates, schedules, weight averages."""
