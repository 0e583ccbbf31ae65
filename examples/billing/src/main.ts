import { LifecycleModule } from '@leaver/service-kit/lifecycle';
import { runService } from '@leaver/service-kit/platform';
import { Approval } from './approval.entity.ts';
import { billingRules } from './billing.rules.ts';

const module = LifecycleModule.forService({
  service: 'billing',
  consumer: 'billing-users',
  rules: billingRules,
  entities: [Approval],
});

await runService({ name: 'billing', module });
