"""Masked dense computation of any ConvNet: every operation counts visible positions only."""
