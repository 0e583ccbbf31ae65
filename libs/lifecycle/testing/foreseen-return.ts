import type { ReceiptLine, ReturnPreviewLine, UserEvent } from '#libs/contracts';
import { returnPreview } from '#libs/lifecycle';
import type { RuleBench } from './bench.js';

type Line = Pick<ReceiptLine, 'affected' | 'notRestored' | 'warning'>;

/** The preview of a reactivation, to be compared with its receipt. */
export class ForeseenReturn {
  private constructor(private readonly line: ReturnPreviewLine | undefined) {}

  static async of(
    bench: RuleBench,
    { data: { accountId, userId, lifecycleVersion, departure } }: UserEvent,
    isOwn: (line: ReturnPreviewLine) => boolean,
  ): Promise<ForeseenReturn> {
    const request = { accountId, userId, lifecycleVersion, restore: departure!.restore };
    const lines = await returnPreview(bench.em().getKysely(), bench.rules, request, { now: bench.clock.now() });
    return new ForeseenReturn(lines.find(isOwn));
  }

  /** @throws Error if the preview has said something else */
  compare(line: ReceiptLine | undefined): void {
    const reasons = Object.values(this.line?.reasons ?? {}).reduce((sum, count) => sum + count, 0);
    if (shown(this.line) === shown(line) && reasons === (this.line?.notRestored ?? 0)) return;
    throw new Error(`previewed ${JSON.stringify(this.line)}, but the receipt has ${JSON.stringify(line)}`);
  }
}

const shown = (line: Line | undefined) => line && JSON.stringify([line.affected, line.notRestored, line.warning]);
