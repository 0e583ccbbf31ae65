import { Email, Moment, Nested, Pattern, Phone, Id, Text } from '../fields.js';
import { ListQuery, resource, UserView } from '../operation.js';

const service = 'contacts';

export class NewContact {
  @Text({ optional: true, nullable: true, about: 'The contact’s id in your own systems. Unique.' })
  externalId?: string | null;
  @Text({ optional: true, nullable: true }) name?: string | null;
  @Phone({ optional: true, nullable: true }) phone?: string | null;
  @Email({ optional: true, nullable: true }) email?: string | null;
}

export class ContactChanges {
  @Text({ optional: true, nullable: true }) name?: string | null;
  @Phone({ optional: true, nullable: true }) phone?: string | null;
  @Email({ optional: true, nullable: true }) email?: string | null;
}

export class Contact {
  @Id() id: string;
  @Text({ nullable: true }) externalId: string | null;
  @Text({ nullable: true }) name: string | null;
  @Phone({ nullable: true }) phone: string | null;
  @Email({ nullable: true }) email: string | null;
  @Nested(() => UserView, {
    nullable: true,
    about: 'Changed only by imports, departures and the reassignment of numbers.',
  })
  assignee: UserView | null;
  @Moment() createdAt: string;
}

export class ContactQuery extends ListQuery {
  @Pattern(
    /^(me|none|[0-9a-f]{8}-[0-9a-f]{4}-[1-8][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12})$/,
    'the id of a user, `me` or `none`',
    { optional: true, about: 'Id of the assignee, `me`, or `none` for unassigned contacts.' },
  )
  assignee?: string;
  @Text({ optional: true }) externalId?: string;
}

export const contacts = resource({
  service,
  path: '/v1/contacts',
  access: 'signed-in',
  noun: 'a contact',
  plural: 'contacts',
  thing: Contact,
  create: NewContact,
  query: ContactQuery,
  errors: ['conflict'],
  update: ContactChanges,
  updateSummary: 'Change the name, phone number or email address of a contact',
});
