import { Controller } from '@nestjs/common';
import { Handles, Prepares, type PrepareAgain } from '#libs/broker';
import { usersConvert, type CallOf, type Departure } from '#libs/contracts';
import { Conversions, type PreparedConversion } from './conversions.js';

@Controller()
export class ConversionController {
  constructor(private readonly conversions: Conversions) {}

  @Prepares(usersConvert)
  prepare({ principal, params, body }: CallOf<typeof usersConvert>): Promise<PreparedConversion> {
    return this.conversions.prepare(principal, params.id!, body);
  }

  @Handles(usersConvert)
  convert(
    { principal, params, body }: CallOf<typeof usersConvert>,
    prepared: PreparedConversion,
  ): Promise<Departure | PrepareAgain> {
    return this.conversions.convert(principal, params.id!, body, prepared);
  }
}
