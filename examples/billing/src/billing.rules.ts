import { can, keep, MANAGERS_SEE, owned, rule, shownAs, transfer, unassign } from '@leaver/service-kit/lifecycle';
import { Approval } from './approval.entity.ts';

const invoice = shownAs('invoice', MANAGERS_SEE, { label: 'invoice' });

/** Pending approvals go to the successor. Decided ones keep the leaver's id. */
export const billingRules = [
  rule('billing.approvals', 'Invoices to approve', {
    rows: owned(Approval, 'approverId', { status: 'pending' }, { shown: invoice }),
    deactivated: can(transfer, unassign, keep),
    deleted: can(transfer, unassign, keep),
  }),
];
