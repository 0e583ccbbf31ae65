import { usageError } from './exit-codes.mjs';

/** @param {string} text the value of `--since` */
export function sinceOf(text) {
  const time = new Date(text);
  if (Number.isNaN(time.getTime())) throw usageError('--since is a time like 2030-01-31T12:00:00Z.');
  return time.toISOString();
}
