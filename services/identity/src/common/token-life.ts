/** Lifetime of an access token in seconds. */
export const ACCESS_TOKEN_LIFE = 300;
