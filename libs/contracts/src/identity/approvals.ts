import { Flag, Id, Moment, OneOf, SomeOf, Text, Whole } from '../fields.js';

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

/** The approval that something needs or needed, and who has decided about it. */
export class Approval {
  @SomeOf(APPROVAL_REASONS, { about: 'What the policy required an approval for at the time of the request.' })
  neededFor: ApprovalReason[];
  @Id({ nullable: true, about: 'The user who requested it, who cannot approve it. Null for an identity provider.' })
  requestedBy: string | null;
  @Flag({ about: 'Whether it happens as soon as it is approved, and not on a later day.' }) immediate: boolean;
  @Moment({ about: 'When the request expires unless somebody decides.' }) expiresAt: string;
  @Id({ optional: true, about: 'The manager who has approved or refused it.' }) decidedBy?: string;
  @Moment({ optional: true }) decidedAt?: string;
  @Text({ optional: true, max: 1000, about: 'Why it was refused. Erased when the leaver is deleted.' }) reason?: string;
}
