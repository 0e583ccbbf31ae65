/**
 * Lets one loop sleep until it is woken. A wake-up while the loop is busy is not lost: the next wait ends immediately.
 */
export class WakeSignal {
  private woken = false;
  private open?: () => void;

  wake(): void {
    this.woken = true;
    this.open?.();
  }

  /** Discards a wake-up that the following look covers. */
  reset(): void {
    this.woken = false;
  }

  /** Resolves at the next wake-up, or after this many milliseconds. */
  async wait(milliseconds: number): Promise<void> {
    if (!this.woken) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, milliseconds);
        this.open = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
    this.woken = false;
  }
}
