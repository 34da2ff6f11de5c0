/* Prints the picture. */
void picture(void);
