import { Controller } from '@nestjs/common';
import { Answers } from '#libs/broker';
import { rotateSigningKey, signingKeys, type NewSigningKey, type PublicKeys } from '#libs/contracts';
import { SigningKeys } from './signing-keys.js';

@Controller()
export class SigningKeyController {
  constructor(private readonly keys: SigningKeys) {}

  @Answers(signingKeys)
  async publicKeys(): Promise<PublicKeys> {
    const [keys, tokenKeys] = await Promise.all([this.keys.publicKeys(), this.keys.keysOfTokens()]);
    const current = new Set(tokenKeys.map(({ kid }) => kid));
    const retired = keys.map(({ kid }) => kid!).filter((kid) => !current.has(kid));
    return { keys, retired };
  }

  @Answers(rotateSigningKey)
  rotate({ atOnce = false }: { atOnce?: boolean }): Promise<NewSigningKey> {
    return atOnce ? this.keys.replace() : this.keys.rotate();
  }
}
