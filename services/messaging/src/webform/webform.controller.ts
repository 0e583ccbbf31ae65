import { Controller } from '@nestjs/common';
import { webforms } from '#libs/contracts';
import { plainResource } from '#libs/platform';
import { Webform } from './webform.entity.js';

const base = plainResource(webforms, {
  entity: Webform,
  shown: ['name', 'email', 'createdAt'],
  people: ['userId'],
  mine: 'userId',
});

@Controller()
export class WebformController extends base {}
