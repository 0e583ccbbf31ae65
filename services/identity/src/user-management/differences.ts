/** By field, as the audit trail keeps them. */
export type Differences = Record<string, { from: unknown; to: unknown }>;

export function differences(before: Record<string, unknown>, after: Record<string, unknown>): Differences {
  const changed = Object.keys(after).filter((field) => JSON.stringify(before[field]) !== JSON.stringify(after[field]));
  return Object.fromEntries(changed.map((field) => [field, { from: before[field], to: after[field] }]));
}
