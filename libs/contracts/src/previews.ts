import type { Ask, PreviewLine, PreviewRequest } from './lifecycle.js';
import type { ResolvedAction } from './policy.js';

/** At most some hundred people of one account for whom the same actions are resolved. */
export interface PreviewsRequest extends Pick<PreviewRequest, 'accountId' | 'steps' | 'rules' | 'only'> {
  people: Pick<PreviewRequest, 'userId' | 'activeSince' | 'wasManager'>[];
}

/** The line of a preview for many people. They are named by their position in the request, which keeps the answer small. */
export interface PreviewsLine extends Omit<ResolvedAction, 'to'>, Pick<PreviewLine, 'rule' | 'part' | 'transition'> {
  /** Position and count of those with rows. */
  counts: [person: number, count: number][];
  /** For `block`: position and the first `PREVIEWS_LISTED` ids of what prevents the departure. */
  items?: [person: number, ids: string[]][];
}

/** The most ids that a preview for many people lists for a person and rule. */
export const PREVIEWS_LISTED = 5;

/** The counts of a preview for many people at once. A service with an older version of the libraries does not answer it. */
export const previewsOf = (service: string): Ask<PreviewsRequest, PreviewsLine[]> => ({
  service,
  subject: `lifecycle.${service}.previews`,
  timeout: 30_000,
  calledBy: ['identity'],
});
