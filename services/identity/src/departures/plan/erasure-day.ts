const DAY = 86_400_000;

/** When the notice of an erasure at this time is due. Both in ISO 8601. */
export const noticeDay = (erasesAt: string, days: number): string =>
  new Date(Date.parse(erasesAt) - days * DAY).toISOString();

/** When the policy erases a user who is deactivated at this time, in ISO 8601; not before the retention is over. */
export function erasureDay(
  deactivatedAt: Date,
  { eraseAfterDays, retentionDays }: { eraseAfterDays: number | null; retentionDays: number },
): string | undefined {
  if (eraseAfterDays === null) return undefined;
  return new Date(deactivatedAt.getTime() + Math.max(eraseAfterDays, retentionDays) * DAY).toISOString();
}
