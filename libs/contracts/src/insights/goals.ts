import { Id, Ids, ListOf, Moment, Nested, Num, PersonFilter, Text } from '../fields.js';
import { ListQuery, OWNED, resource, UserView } from '../operation.js';

export class NewGoal {
  @Text() name: string;
  @Num({ about: 'The value that the participants should reach together.' }) target: number;
  @Ids({ optional: true, about: 'Users who work towards the goal.' }) participantIds?: string[];
  @Id({ optional: true, about: 'Default: the signed-in user.' }) ownerId?: string;
}

export class GoalChanges {
  @Text({ optional: true }) name?: string;
  @Num({ optional: true }) target?: number;
  @Ids({ optional: true, about: 'Replaces the list. Participants who have left may stay in it.' })
  participantIds?: string[];
  @Id({ optional: true, about: 'Hands it over to this user.' }) ownerId?: string;
}

export class Goal {
  @Id() id: string;
  @Text() name: string;
  @Num() target: number;
  @Ids({ about: 'Including participants who have left.' }) participantIds: string[];
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
  access: OWNED,
  noun: 'a goal',
  plural: 'goals',
  thing: Goal,
  create: NewGoal,
  query: GoalQuery,
  errors: ['unknown-user', 'inactive-user'],
  update: GoalChanges,
  updateSummary: 'Change a goal or its participants, or hand it over to another user',
  updateErrors: ['forbidden', 'unknown-user', 'inactive-user'],
});
