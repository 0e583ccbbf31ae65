import { textsOf } from './language';

export const fates = textsOf({
  word: (fate: 'hands' | 'ends' | 'destroyed' | 'stays', count: number) => {
    const words = {
      hands: ['changes hands', 'change hands'],
      ends: ['ends', 'end'],
      destroyed: ['is destroyed', 'are destroyed'],
      stays: ['stays', 'stay'],
    } as const;
    return words[fate][count === 1 ? 0 : 1];
  },
});
