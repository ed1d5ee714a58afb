package gradient

var first = []int{0}

// table is all there is to know about an operation. One line adds one; the tests ask
// for an example of it. Every floating-point operation that a rule adds to the graph
// must be here too.
var table = map[string]entry{
	// The path ends.
	"StopGradient": {stop: true},
	"ZerosLike":    {stop: true},
	"OnesLike":     {stop: true},
	"Floor":        {stop: true},
	"Ceil":         {stop: true},
	"Round":        {stop: true},
	"Rint":         {stop: true},
	"Sign":         {stop: true},
	"FloorDiv":     {stop: true},

	// The values stay as they are.
	"Identity":               {rule: pass},
	"IdentityN":              {rule: passEach},
	"Snapshot":               {rule: pass},
	"EnsureShape":            {rule: pass},
	"CheckNumerics":          {rule: pass},
	"PlaceholderWithDefault": {rule: pass},
	"Cast":                   {rule: unary(castBack)},

	// One operand.
	"Neg":            {rule: unary(negGrad)},
	"Abs":            {rule: unary(absGrad)},
	"Square":         {rule: unary(squareGrad)},
	"Sqrt":           {rule: unary(sqrtGrad)},
	"SqrtGrad":       {rule: sqrtGradGrad},
	"Rsqrt":          {rule: unary(rsqrtGrad)},
	"RsqrtGrad":      {rule: rsqrtGradGrad},
	"Inv":            {rule: unary(reciprocalGrad)},
	"Reciprocal":     {rule: unary(reciprocalGrad)},
	"InvGrad":        {rule: reciprocalGradGrad},
	"ReciprocalGrad": {rule: reciprocalGradGrad},
	"Exp":            {rule: unary(expGrad)},
	"Expm1":          {rule: unary(expm1Grad)},
	"Log":            {rule: unary(logGrad)},
	"Log1p":          {rule: unary(log1pGrad)},
	"Sin":            {rule: unary(sinGrad)},
	"Cos":            {rule: unary(cosGrad)},
	"Sinh":           {rule: unary(sinhGrad)},
	"Cosh":           {rule: unary(coshGrad)},
	"Atan":           {rule: unary(atanGrad)},
	"Erf":            {rule: unary(erfGrad)},
	"Erfc":           {rule: unary(erfcGrad)},
	"L2Loss":         {rule: unary(l2LossGrad)},

	// Activations.
	"Sigmoid":                             {rule: unary(sigmoidGrad)},
	"Tanh":                                {rule: unary(tanhGrad)},
	"TanhGrad":                            {rule: tanhGradGrad},
	"Relu":                                {rule: unary(reluGrad)},
	"ReluGrad":                            {rule: gateAgain, only: first},
	"Relu6":                               {rule: unary(relu6Grad)},
	"Relu6Grad":                           {rule: gateAgain, only: first},
	"LeakyRelu":                           {rule: leakyReluGrad},
	"LeakyReluGrad":                       {rule: gateAgain, only: first},
	"Elu":                                 {rule: unary(eluGrad)},
	"EluGrad":                             {rule: eluGradGrad},
	"Selu":                                {rule: unary(seluGrad)},
	"SeluGrad":                            {rule: eluGradGrad},
	"Softplus":                            {rule: unary(softplusGrad)},
	"SoftplusGrad":                        {rule: softplusGradGrad},
	"Softsign":                            {rule: unary(softsignGrad)},
	"SoftsignGrad":                        {rule: softsignGradGrad},
	"Softmax":                             {rule: unary(softmaxGrad)},
	"LogSoftmax":                          {rule: unary(logSoftmaxGrad)},
	"SoftmaxCrossEntropyWithLogits":       {rule: crossEntropyGrad},
	"SparseSoftmaxCrossEntropyWithLogits": {rule: sparseCrossEntropyGrad, only: first},

	// Two operands or more, broadcast against each other.
	"Add":               {rule: binary(passLeft, passLeft)},
	"AddV2":             {rule: binary(passLeft, passLeft)},
	"AddN":              {rule: passToAll},
	"Sub":               {rule: binary(passLeft, passNegative)},
	"Mul":               {rule: binary(mulLeft, mulRight)},
	"MulNoNan":          {rule: binary(mulNoNanLeft, mulNoNanRight)},
	"Div":               {rule: binary(divLeft, divRight)},
	"RealDiv":           {rule: binary(divLeft, divRight)},
	"DivNoNan":          {rule: binary(divNoNanLeft, divNoNanRight)},
	"FloorMod":          {rule: binary(passLeft, floorModRight)},
	"Maximum":           {rule: chosen("GreaterEqual")},
	"Minimum":           {rule: chosen("LessEqual")},
	"Pow":               {rule: binary(powLeft, powRight)},
	"SquaredDifference": {rule: binary(squaredLeft, squaredRight)},
	"SelectV2":          {rule: selectGrad},
	"Select":            {rule: selectGrad},
	"ClipByValue":       {rule: clipGrad},

	// Products of matrices.
	"MatMul":        {rule: matMulGrad},
	"BatchMatMul":   {rule: batchMatMulGrad},
	"BatchMatMulV2": {rule: batchMatMulGrad},
	"BatchMatMulV3": {rule: batchMatMulGrad, refuse: mixedTypes},
	"Einsum":        {rule: einsumGrad, refuse: einsumRefused},
	"BiasAdd":       {rule: biasAddGrad, refuse: biasAddRefused},

	// Convolutions.
	"Conv2D":                              {rule: convolution(full)},
	"Conv2DBackpropInput":                 {rule: convolutionInput(full)},
	"Conv2DBackpropFilter":                {rule: convolutionFilter(full)},
	"DepthwiseConv2dNative":               {rule: convolution(depthwise)},
	"DepthwiseConv2dNativeBackpropInput":  {rule: convolutionInput(depthwise)},
	"DepthwiseConv2dNativeBackpropFilter": {rule: convolutionFilter(depthwise)},

	"ExtractImagePatches": {rule: patchesGrad, refuse: patchesRefused},

	// Pooling.
	"MaxPool":         {rule: unaryCall(maxPoolGrad)},
	"MaxPoolGrad":     {rule: maxPoolGradGrad, only: []int{2}, refuse: explicitPadding},
	"MaxPoolGradGrad": {rule: maxPoolGradGradGrad, only: []int{2}},
	"AvgPool":         {rule: unaryCall(avgPoolGrad)},
	"AvgPoolGrad":     {rule: avgPoolGradGrad},

	// Sums over axes.
	"Sum":    {rule: reduction(sumGrad)},
	"Mean":   {rule: reduction(meanGrad)},
	"Max":    {rule: reduction(extremeGrad)},
	"Min":    {rule: reduction(extremeGrad)},
	"Prod":   {rule: prodGrad, refuse: prodRefused},
	"Cumsum": {rule: cumsumGrad},

	// Normalisation.
	"FusedBatchNorm":   {rule: batchNormGrad, refuse: batchNormRefused},
	"FusedBatchNormV2": {rule: batchNormGrad, refuse: batchNormRefused},
	"FusedBatchNormV3": {rule: batchNormGrad, refuse: batchNormRefused},

	"LRN": {rule: responseGrad, refuse: responseRefused},

	// Shapes.
	"Reshape":     {rule: unary(reshapeBack)},
	"Squeeze":     {rule: unary(reshapeBack)},
	"ExpandDims":  {rule: unary(reshapeBack)},
	"Transpose":   {rule: transposeGrad},
	"Fill":        {rule: fillGrad, only: []int{1}},
	"BroadcastTo": {rule: unary(broadcastBack)},
	"Tile":        {rule: tileGrad, refuse: tileRefused},

	// Parts of tensors.
	"Pad":              {rule: padGrad},
	"PadV2":            {rule: padGrad},
	"MirrorPad":        {rule: mirrored("MirrorPadGrad")},
	"MirrorPadGrad":    {rule: mirrored("MirrorPad")},
	"Slice":            {rule: sliceGrad},
	"StridedSlice":     {rule: stridedSliceGrad},
	"StridedSliceGrad": {rule: stridedSliceGradGrad},
	"ConcatV2":         {rule: concatGrad},
	"Pack":             {rule: packGrad},
	"Unpack":           {rule: unpackGrad},
	"Split":            {rule: splitGrad},
	"SplitV":           {rule: splitVGrad},

	// Elements moved by index.
	"Gather":             {rule: gatherGrad, refuse: gatherRefused},
	"GatherV2":           {rule: gatherGrad, refuse: gatherRefused},
	"GatherNd":           {rule: gatherNdGrad},
	"ScatterNd":          {rule: scatterNdGrad},
	"UnsortedSegmentSum": {rule: segmentSumGrad, refuse: segmentSumRefused},
	"Roll":               {rule: rollGrad},
	"ReverseV2":          {rule: reverseGrad},
	"SpaceToBatchND":     {rule: movedBack("BatchToSpaceND")},
	"BatchToSpaceND":     {rule: movedBack("SpaceToBatchND")},
	"SpaceToDepth":       {rule: blockMovedBack("DepthToSpace")},
	"DepthToSpace":       {rule: blockMovedBack("SpaceToDepth")},

	// Image sizes.
	"ResizeBilinear":            {rule: resizeGrad("ResizeBilinearGrad")},
	"ResizeBilinearGrad":        {rule: resizeGradGrad("ResizeBilinear"), only: first},
	"ResizeBicubic":             {rule: resizeGrad("ResizeBicubicGrad")},
	"ResizeBicubicGrad":         {rule: resizeGradGrad("ResizeBicubic"), only: first},
	"ResizeNearestNeighbor":     {rule: nearestGrad},
	"ResizeNearestNeighborGrad": {rule: nearestGradGrad},
	"ScaleAndTranslate":         {rule: scaleAndTranslateGrad, only: first},
	"ScaleAndTranslateGrad":     {rule: scaleAndTranslateGradGrad, only: first},
}
