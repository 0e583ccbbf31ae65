import { Controller } from '@nestjs/common';
import { goals, type Call } from '#libs/contracts';
import { plainResource } from '#libs/platform';
import { GoalParticipant } from '../membership/membership.entity.js';
import { addMembers, membersOf } from '../membership/memberships.js';
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
