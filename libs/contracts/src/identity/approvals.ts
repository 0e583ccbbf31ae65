import { Flag, OneOf, Whole } from '../fields.js';

/** Why a departure waits for another manager. */
export const APPROVAL_REASONS = ['deleted', 'destructive', 'bulk', 'scim'] as const;
export type ApprovalReason = (typeof APPROVAL_REASONS)[number];

/** What deletions by an identity provider do. */
export const SCIM_APPROVALS = ['proceed', 'wait'] as const;
export type ScimApproval = (typeof SCIM_APPROVALS)[number];

/** What needs the approval of another manager. */
export class Approvals {
  @Flag({ about: 'Deletions and conversions that a user or an API token requests.' }) deleted: boolean;
  @Flag({
    about: 'Overrides that destroy what the policy does not destroy, or destroy it sooner, or destroy more of it.',
  })
  destructive: boolean;
  @Whole({ min: 1, max: 10_000, nullable: true, about: 'Bulk departures of more users than this. Null: none.' })
  bulkAbove: number | null;
  @OneOf(SCIM_APPROVALS, {
    about: 'Whether deletions by an identity provider wait. The user is suspended at once either way.',
  })
  scim: ScimApproval;
  @Whole({ min: 1, max: 90, about: 'Days after which a request that nobody has decided expires.' }) days: number;
}

export class ApprovalsChange {
  @Flag({ optional: true, about: 'Default: false.' }) deleted?: boolean;
  @Flag({ optional: true, about: 'Default: false.' }) destructive?: boolean;
  @Whole({ min: 1, max: 10_000, optional: true, nullable: true, about: 'Default: null.' }) bulkAbove?: number | null;
  @OneOf(SCIM_APPROVALS, { optional: true, about: 'Default: `proceed`.' }) scim?: ScimApproval;
  @Whole({ min: 1, max: 90, optional: true, about: 'Default: 7. Requests that wait already keep their day.' })
  days?: number;
}
