import { Controller } from '@nestjs/common';
import { chatbots } from '#libs/contracts';
import { plainResource } from '#libs/platform';
import { Chatbot } from './chatbot.entity.js';

const base = plainResource(chatbots, {
  entity: Chatbot,
  shown: ['name', 'email', 'createdAt'],
  people: ['userId'],
  mine: 'userId',
});

@Controller()
export class ChatbotController extends base {}
