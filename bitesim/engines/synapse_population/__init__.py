"""T cells and targets as single cells without space: they meet, touch, hold, form clusters, kill and let go."""
