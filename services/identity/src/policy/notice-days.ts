/** How many days before an erasure managers are notified, unless the policy says so or the erasure comes sooner. */
const NOTICE_DAYS = 7;

/** @param chosen null for the default */
export function noticeDays(chosen: number | null, eraseAfterDays: number | null): number {
  return chosen ?? Math.min(NOTICE_DAYS, (eraseAfterDays ?? Infinity) - 1);
}
