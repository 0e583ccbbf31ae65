import { behavesLikeARule, coversEveryPersonalColumn } from '@leaver/service-kit/testing';
import { Approval } from './approval.entity.js';
import { billingRules } from './billing.rules.js';
import { migrations } from './migrations.js';

const billing = { name: 'billing', entities: [Approval], rules: billingRules, migrations };

behavesLikeARule(billing, 'billing.approvals', {
  row: (em, { accountId, userId }, { ids }) =>
    em.create(Approval, { id: ids.next(), accountId, invoice: 'Invoice 7', approverId: userId, status: 'pending' }),
});

coversEveryPersonalColumn(billing, {});
