import { behavesLikeARule, coversEveryPersonalColumn } from '@leaver/service-kit/testing';
import { Approval } from './approval.entity.ts';
import { billingRules } from './billing.rules.ts';
import { migrations } from './migrations.ts';

const billing = { name: 'billing', entities: [Approval], rules: billingRules, migrations };

behavesLikeARule(billing, 'billing.approvals', {
  row: (em, { accountId, userId }, { ids }) =>
    em.create(Approval, { id: ids.next(), accountId, invoice: 'Invoice 7', approverId: userId, status: 'pending' }),
});

coversEveryPersonalColumn(billing, {});
