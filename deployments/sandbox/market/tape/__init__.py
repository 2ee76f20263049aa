"""Write a simulated market as a tape."""
