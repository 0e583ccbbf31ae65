import { Controller } from '@nestjs/common';
import { goals, type Call, type GoalChanges } from '#libs/contracts';
import { plainResource } from '#libs/platform';
import { GoalParticipant } from '../membership/membership.entity.js';
import { addMembers, membersOf, replaceMembers } from '../membership/memberships.js';
import { Goal, type GoalRow } from './goal.entity.js';

const base = plainResource(goals, {
  entity: Goal,
  shown: ['name', 'target', 'createdAt'],
  people: ['ownerId'],
  mine: 'ownerId',
});

type NewRow = Partial<GoalRow> & { participantIds?: string[] };

@Controller()
export class GoalController extends base {
  override async insert(call: Pick<Call, 'principal'>, { participantIds = [], ...values }: NewRow): Promise<GoalRow> {
    await this.directory.requireActive(call.principal.accountId, participantIds);
    const goal = await super.insert(call, values);
    await addMembers(this.em, this.ids, GoalParticipant, goal, participantIds);
    return goal;
  }

  /** All users in one call, so that they are locked in the same order as by a departure. */
  override async prepareChange(goal: GoalRow, call: Call<GoalChanges>): Promise<void> {
    const { ownerId, participantIds = [] } = call.body;
    await this.directory.lockAndFindLeft(goal.accountId, [ownerId, ...participantIds]);
    await super.prepareChange(goal, call);
  }

  override async change(goal: GoalRow, call: Call<GoalChanges>): Promise<void> {
    const { participantIds, ...changes } = call.body;
    await super.change(goal, { ...call, body: changes });
    if (participantIds) await replaceMembers(this, GoalParticipant, goal, participantIds);
  }

  override async present(rows: readonly GoalRow[], call: Pick<Call, 'principal'>): Promise<object[]> {
    const answers = await super.present(rows, call);
    const ids = rows.map((row) => row.id);
    const participants = await membersOf(this.em, this.directory, GoalParticipant, ids);
    return answers.map((answer, index) => {
      const included = participants(ids[index]!);
      return { ...answer, participantIds: included.map((user) => user.id), participants: included };
    });
  }
}
