import { Id, Ids, ListOf, Moment, Nested, Num, PersonFilter, Text } from '../fields.js';
import { ListQuery, resource, UserView } from '../operation.js';

export class NewGoal {
  @Text() name: string;
  @Num({ about: 'What the participants are to reach together.' }) target: number;
  @Ids({ optional: true, about: 'Users who work towards it.' }) participantIds?: string[];
  @Id({ optional: true, about: 'The caller unless given.' }) ownerId?: string;
}

export class Goal {
  @Id() id: string;
  @Text() name: string;
  @Num() target: number;
  @Ids({ about: 'Also those who have left since.' }) participantIds: string[];
  @ListOf(() => UserView) participants: UserView[];
  @Id() ownerId: string;
  @Nested(() => UserView) owner: UserView;
  @Moment() createdAt: string;
}

export class GoalQuery extends ListQuery {
  @PersonFilter('Id of the owner, or `me`.') ownerId?: string;
}

export const goals = resource({
  service: 'insights',
  path: '/v1/goals',
  noun: 'a goal',
  thing: Goal,
  create: NewGoal,
  query: GoalQuery,
  errors: ['unknown-user', 'inactive-user'],
});
