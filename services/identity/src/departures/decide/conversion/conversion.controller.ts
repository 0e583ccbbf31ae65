import { Controller } from '@nestjs/common';
import { Handles } from '#libs/broker';
import { usersConvert, type CallOf, type Departure } from '#libs/contracts';
import { Conversions } from './conversions.js';

@Controller()
export class ConversionController {
  constructor(private readonly conversions: Conversions) {}

  @Handles(usersConvert)
  convert({ principal, params, body }: CallOf<typeof usersConvert>): Promise<Departure> {
    return this.conversions.convert(principal, params.id!, body);
  }
}
