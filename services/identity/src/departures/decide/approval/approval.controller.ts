import { Controller } from '@nestjs/common';
import { Handles, Prepares, type PrepareAgain } from '#libs/broker';
import { departuresApprove, departuresRefuse, type CallOf, type Departure } from '#libs/contracts';
import type { Prepared } from '../../plan/preflight.js';
import { ApprovalDecisions } from './approval-decisions.js';

/** Decisions of managers about what others have requested. */
@Controller()
export class ApprovalController {
  constructor(private readonly decisions: ApprovalDecisions) {}

  @Prepares(departuresApprove)
  prepare({ principal, params, body }: CallOf<typeof departuresApprove>): Promise<Prepared | undefined> {
    return this.decisions.prepare(principal, params.id!, body);
  }

  @Handles(departuresApprove)
  approve(
    { principal, params, body }: CallOf<typeof departuresApprove>,
    prepared: Prepared | undefined,
  ): Promise<Departure | PrepareAgain> {
    return this.decisions.approve(principal, params.id!, body, prepared);
  }

  @Handles(departuresRefuse)
  refuse({ principal, params, body }: CallOf<typeof departuresRefuse>): Promise<Departure> {
    return this.decisions.refuse(principal, params.id!, body.reason);
  }
}
