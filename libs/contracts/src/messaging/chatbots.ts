import { Email, Id, Moment, Nested, PersonFilter, Text } from '../fields.js';
import { ListQuery, OWNED, resource, UserView } from '../operation.js';

const service = 'messaging';

export class NewChatbot {
  @Text() name: string;
  @Id({ optional: true, about: 'The user in the playbook. Default: the signed-in user.' }) userId?: string;
  @Email({ optional: true, nullable: true, about: 'The address that the playbook writes to instead of its user.' })
  email?: string | null;
}

export class Chatbot {
  @Id() id: string;
  @Text() name: string;
  @Id() userId: string;
  @Nested(() => UserView) user: UserView;
  @Email({ nullable: true }) email: string | null;
  @Moment() createdAt: string;
}

export class ChatbotQuery extends ListQuery {
  @PersonFilter("Id of the playbook's user, or `me`.") userId?: string;
}

export class ChatbotChanges {
  @Text({ optional: true }) name?: string;
  @Id({ optional: true }) userId?: string;
  @Email({ optional: true, nullable: true, about: 'Null removes it.' }) email?: string | null;
}

export const chatbots = resource({
  service,
  path: '/v1/chatbots',
  access: OWNED,
  noun: 'a chatbot',
  plural: 'chatbots',
  thing: Chatbot,
  create: NewChatbot,
  query: ChatbotQuery,
  errors: ['unknown-user', 'inactive-user'],
  update: ChatbotChanges,
  updateSummary: 'Change the name of a chatbot, or the user or email address in its playbook',
  updateErrors: ['unknown-user', 'inactive-user'],
});
