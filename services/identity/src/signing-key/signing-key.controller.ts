import { Controller } from '@nestjs/common';
import { Answers } from '#libs/broker';
import {
  KEY_PURPOSES,
  Problem,
  rotateSigningKey,
  signingKeys,
  withdrawSigningKey,
  type KeyToRotate,
  type NewSigningKey,
  type PublicKeys,
  type StolenKey,
  type WithdrawnKey,
} from '#libs/contracts';
import { EvidenceKeys } from './evidence-keys.js';
import { PublishedKeys } from './published-keys.js';
import { TokenKeys } from './token-keys.js';
import { Withdrawals } from './withdrawals.js';

@Controller()
export class SigningKeyController {
  constructor(
    private readonly published: PublishedKeys,
    private readonly tokens: TokenKeys,
    private readonly evidence: EvidenceKeys,
    private readonly withdrawals: Withdrawals,
  ) {}

  @Answers(signingKeys, { acrossAccounts: 'All accounts share the keys.' })
  async publicKeys(): Promise<PublicKeys> {
    const [keys, ofTokens] = await Promise.all([this.published.all(), this.tokens.publicKeys()]);
    const current = new Set(ofTokens.map(({ kid }) => kid));
    return { keys, retired: keys.map(({ kid }) => kid).filter((kid) => !current.has(kid)) };
  }

  @Answers(rotateSigningKey, { acrossAccounts: 'All accounts share the keys.' })
  rotate({ purpose = 'tokens', atOnce = false }: KeyToRotate): Promise<NewSigningKey> {
    if (!KEY_PURPOSES.includes(purpose))
      throw new Problem('validation', {
        errors: [{ field: 'purpose', message: `One of ${KEY_PURPOSES.join(', ')}` }],
      });
    if (purpose === 'tokens') return atOnce ? this.tokens.replace() : this.tokens.rotate();
    return atOnce ? this.evidence.replace(purpose) : this.evidence.rotate(purpose);
  }

  @Answers(withdrawSigningKey, { acrossAccounts: 'All accounts share the keys.' })
  withdraw({ kid, since }: StolenKey): Promise<WithdrawnKey> {
    return this.withdrawals.withdraw(kid, since);
  }
}
