import type { Approval, ApprovalReason } from '#libs/contracts';
import { sql, type RawBuilder } from 'kysely';
import { isoOf } from '../../../common/moments.js';

/** The approval of a departure or a bulk departure. Times are in PostgreSQL's JSON format. */
export interface ApprovalFacts {
  neededFor: ApprovalReason[];
  requestedBy: string | null;
  immediate: boolean;
  expiresAt: string;
  decidedBy: string | null;
  decidedAt: string | null;
  reason: string | null;
}

/** The `ApprovalFacts` of the departure or bulk departure with this id, or null. */
export const approvalFactsOf = (id: RawBuilder<unknown>): RawBuilder<unknown> => sql`
  (select jsonb_build_object('neededFor', a.needed_for, 'requestedBy', a.requested_by, 'immediate', a.at_once,
    'expiresAt', a.expires_at, 'decidedBy', a.decided_by, 'decidedAt', a.decided_at, 'reason', a.reason)
    from approval a where a.id = ${id})`;

export const approvalOf = ({ expiresAt, decidedBy, decidedAt, reason, ...facts }: ApprovalFacts): Approval => ({
  ...facts,
  expiresAt: isoOf(expiresAt),
  ...(decidedBy && { decidedBy }),
  ...(decidedAt && { decidedAt: isoOf(decidedAt) }),
  ...(reason && { reason }),
});
