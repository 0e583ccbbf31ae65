import { can, keep, owned, rule, transfer, unassign } from '@leaver/service-kit/lifecycle';
import { Approval } from './approval.entity.ts';

/** Somebody has to pay the bills: what waits for the leaver goes to whoever takes over. What they decided stays theirs. */
export const billingRules = [
  rule('billing.approvals', 'Invoices to approve', {
    rows: owned(Approval, 'approverId', { status: 'pending' }),
    deactivated: can(transfer, unassign, keep),
    deleted: can(transfer, unassign, keep),
  }),
];
