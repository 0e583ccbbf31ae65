import { Controller } from '@nestjs/common';
import { Handles, Prepares } from '#libs/broker';
import { usersReassign, type CallOf, type Reassignment } from '#libs/contracts';
import { actorOf } from '../../../audit/audit.js';
import { Occurrences } from '../../../audit/occurrences.js';
import { ReassignmentPreviews } from '../../plan/preview/reassignment-previews.js';
import { Reassignments } from './reassignments.js';

@Controller()
export class ReassignmentController {
  constructor(
    private readonly reassignments: Reassignments,
    private readonly previews: ReassignmentPreviews,
    private readonly occurrences: Occurrences,
  ) {}

  @Prepares(usersReassign)
  async prepare({ principal, params, body }: CallOf<typeof usersReassign>): Promise<Reassignment | undefined> {
    if (!body.dryRun) return undefined;
    const planned = await this.previews.of(principal, params.id!, body);
    const { accountId, userId } = principal;
    const read = { accountId, action: 'preview.read', ...actorOf(principal), subjectId: params.id! };
    if (userId !== params.id) this.occurrences.record(read);
    return planned;
  }

  /** @param planned the result of a dry run */
  @Handles(usersReassign)
  reassign(
    { principal, params, body }: CallOf<typeof usersReassign>,
    planned: Reassignment | undefined,
  ): Promise<Reassignment> | Reassignment {
    return planned ?? this.reassignments.decide(principal, params.id!, body);
  }
}
