import { Injectable } from '@nestjs/common';
import type { PreviewBlocker, PreviewLine, Principal } from '#libs/contracts';
import { Guards } from '../guards/guards.js';
import type { Plan } from '../planner.js';
import { standsInTheWay } from '../rule-services.js';
import type { Later } from '../sequence.js';
import { TransferGuards } from '../guards/transfer-guards.js';

interface Previewed {
  lines: readonly PreviewLine[];
  /** For a departure on a later day. */
  later?: Later;
}

/** What stands in the way of a previewed departure or transfer. */
@Injectable()
export class Blockers {
  constructor(
    private readonly guards: Guards,
    private readonly transferGuards: TransferGuards,
  ) {}

  async of(principal: Principal, plan: Plan, { lines, later }: Previewed): Promise<PreviewBlocker[]> {
    if (plan.transition === 'transferred') return this.transferGuards.blockers(principal, plan.user);
    if (later) return this.guards.blockersLater(plan, later);
    return this.guards.blockers(
      plan,
      lines.filter((line) => standsInTheWay(plan, line)),
    );
  }
}
