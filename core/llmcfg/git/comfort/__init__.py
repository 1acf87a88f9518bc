"""What makes Git good with secret files: drivers that merge and show them, attributes that name the drivers, a check before each commit."""
