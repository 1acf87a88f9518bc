"""Who signed what: strict readers of signed Git objects, of SSH signatures and of lists of signers. Pure functions over bytes."""
