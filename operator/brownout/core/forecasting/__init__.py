"""Forecasting: a family of small forecasters, the errors that each has made, and the forecast that follows."""
