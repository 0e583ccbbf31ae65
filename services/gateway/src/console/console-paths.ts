/**
 * The first part of each address of the console. A page of the console that has none of them is not served when somebody
 * opens or reloads it.
 */
export const CONSOLE_SECTIONS = [
  'sign-in',
  'invitation',
  'password-reset',
  'people',
  'departures',
  'bulk',
  'policy',
  'trail',
  'set-up',
  'profile',
] as const;

/** What the console reads before anybody has signed in. */
export const CONSOLE_SETTINGS = 'console.json';

/** The folder of the built files, whose names change with their contents. */
export const CONSOLE_ASSETS = 'assets';
