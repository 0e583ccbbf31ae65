import { Email, Id, Moment, Nested, PersonFilter, Text } from '../fields.js';
import { ListQuery, OWNED, resource, UserView } from '../operation.js';

const service = 'messaging';

export class NewWebform {
  @Text() name: string;
  @Id({ optional: true, about: 'The user who gets the submissions. Default: the signed-in user.' }) userId?: string;
  @Email({ optional: true, nullable: true, about: 'The address that gets the submissions instead of the user.' })
  email?: string | null;
}

export class Webform {
  @Id() id: string;
  @Text() name: string;
  @Id() userId: string;
  @Nested(() => UserView) user: UserView;
  @Email({ nullable: true }) email: string | null;
  @Moment() createdAt: string;
}

export class WebformQuery extends ListQuery {
  @PersonFilter('Id of the user in the saving preferences, or `me`.') userId?: string;
}

export class WebformChanges {
  @Text({ optional: true }) name?: string;
  @Id({ optional: true }) userId?: string;
  @Email({ optional: true, nullable: true, about: 'Null removes it.' }) email?: string | null;
}

export const webforms = resource({
  service,
  path: '/v1/webforms',
  access: OWNED,
  noun: 'a web form',
  plural: 'web forms',
  thing: Webform,
  create: NewWebform,
  query: WebformQuery,
  errors: ['unknown-user', 'inactive-user'],
  update: WebformChanges,
  updateSummary: 'Change the name of a web form, or the user or email address in its saving preferences',
  updateErrors: ['unknown-user', 'inactive-user'],
});
