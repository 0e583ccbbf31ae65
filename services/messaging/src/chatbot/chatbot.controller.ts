import { Controller } from '@nestjs/common';
import { Handles } from '#libs/broker';
import { chatbotUpdate, chatbots, type AnswerOf, type CallOf } from '#libs/contracts';
import { plainResource } from '#libs/platform';
import { Chatbot } from './chatbot.entity.js';

const base = plainResource(chatbots, {
  entity: Chatbot,
  shown: ['name', 'email', 'createdAt'],
  people: ['userId'],
  mine: 'userId',
});

@Controller()
export class ChatbotController extends base {
  @Handles(chatbotUpdate)
  async update(call: CallOf<typeof chatbotUpdate>): Promise<AnswerOf<typeof chatbotUpdate>> {
    const { principal, body } = call;
    await this.directory.requireActive(principal.accountId, [body.userId]);
    const row = await this.find(call);
    this.em.assign(row, body);
    await this.em.flush();
    return (await this.present([row], call))[0] as AnswerOf<typeof chatbotUpdate>;
  }
}
