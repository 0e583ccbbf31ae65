import { Controller } from '@nestjs/common';
import { Handles } from '#libs/broker';
import { webformUpdate, webforms, type AnswerOf, type CallOf } from '#libs/contracts';
import { plainResource } from '#libs/platform';
import { Webform } from './webform.entity.js';

const base = plainResource(webforms, {
  entity: Webform,
  shown: ['name', 'email', 'createdAt'],
  people: ['userId'],
  mine: 'userId',
});

@Controller()
export class WebformController extends base {
  @Handles(webformUpdate)
  async update(call: CallOf<typeof webformUpdate>): Promise<AnswerOf<typeof webformUpdate>> {
    const { principal, body } = call;
    await this.directory.requireActive(principal.accountId, [body.userId]);
    const row = await this.find(call);
    this.em.assign(row, body);
    await this.em.flush();
    return (await this.present([row], call))[0] as AnswerOf<typeof webformUpdate>;
  }
}
