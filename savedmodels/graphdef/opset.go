package graphdef

import "strings"

// class says what may become of an op.
type class int

const (
	refused class = iota
	// pure ops compute their outputs from their inputs and nothing else.
	pure
	// structural ops disappear on the way to the flat graph.
	structural
	// foreign ops are written as others before anything else looks at the flat graph (package xla).
	foreign
	// inert ops may stand in the model where the output does not need them (a message, an assertion, the random numbers of a
	// dropout that is off, the update of moving averages), but not in the flat graph.
	inert
)

// allowed is the allow-list. An op that is not in it, such as one from a library of somebody's own, is refused.
var allowed = func() map[string]class {
	table := map[string]class{}
	for c, lists := range map[class][]string{pure: pureOps, structural: {structuralOps}, foreign: {foreignOps}, inert: {inertOps}} {
		for _, list := range lists {
			for _, op := range strings.Fields(list) {
				table[op] = c
			}
		}
	}
	return table
}()

var pureOps = []string{
	// Constants, shapes and moves.
	`Const Shape ShapeN Size Rank Reshape Squeeze ExpandDims Transpose ConjugateTranspose BroadcastTo BroadcastArgs Tile Fill
	ZerosLike OnesLike Range LinSpace Pack Unpack Split SplitV Concat ConcatV2 ConcatOffset Slice StridedSlice Pad PadV2
	MirrorPad Reverse ReverseV2 ReverseSequence Roll Gather GatherV2 GatherNd ScatterNd TensorScatterAdd TensorScatterUpdate
	TensorScatterSub TensorScatterMin TensorScatterMax DynamicStitch ParallelDynamicStitch DynamicPartition InvertPermutation
	OneHot Where Unique UniqueV2 SpaceToBatch SpaceToBatchND BatchToSpace BatchToSpaceND SpaceToDepth DepthToSpace
	ExtractImagePatches ExtractVolumePatches Bitcast Cast StopGradient DataFormatVecPermute DataFormatDimMap`,
	// Linear algebra.
	`MatMul BatchMatMul BatchMatMulV2 BatchMatMulV3 Einsum Cross MatrixBandPart MatrixDiag MatrixDiagV2 MatrixDiagV3
	MatrixDiagPart MatrixDiagPartV2 MatrixDiagPartV3 MatrixSetDiag MatrixSetDiagV2 MatrixSetDiagV3 Diag DiagPart MatrixInverse
	MatrixDeterminant MatrixSolve MatrixTriangularSolve Cholesky L2Loss SparseMatMul SparseTensorDenseMatMul`,
	// Convolution and pooling.
	`Conv Conv2D Conv2DBackpropInput Conv3D Conv3DBackpropInputV2 DepthwiseConv2dNative DepthwiseConv2dNativeBackpropInput
	Dilation2D AvgPool AvgPool3D MaxPool MaxPoolV2 MaxPool3D MaxPoolWithArgmax BiasAdd BiasAddV1 LRN FusedBatchNorm
	FusedBatchNormV2 FusedBatchNormV3 BatchNormWithGlobalNormalization TopK TopKV2 ApproxTopK InTopK InTopKV2`,
	// Activations.
	`Relu Relu6 LeakyRelu Elu Selu Softplus Softsign Sigmoid Tanh Softmax LogSoftmax Erf Erfc Erfinv Ndtri`,
	// Element by element.
	`Abs Neg Sign Square Sqrt Rsqrt Reciprocal Inv Exp Expm1 Log Log1p Sin Cos Tan Asin Acos Atan Atan2 Sinh Cosh Asinh Acosh
	Atanh Floor Ceil Round Rint Pow Add AddV2 AddN AccumulateNV2 Sub Mul Div RealDiv FloorDiv TruncateDiv FloorMod TruncateMod Mod DivNoNan MulNoNan
	Xdivy Xlogy Xlog1py Maximum Minimum SquaredDifference ClipByValue Equal NotEqual Less LessEqual Greater GreaterEqual
	ApproximateEqual LogicalAnd LogicalOr LogicalNot Select SelectV2 IsNan IsInf IsFinite BitwiseAnd BitwiseOr BitwiseXor
	Invert LeftShift RightShift Lgamma Digamma Igamma Igammac Zeta Polygamma BesselI0e BesselI1e Real Imag Complex ComplexAbs
	Conj Angle FakeQuantWithMinMaxArgs FakeQuantWithMinMaxVars FakeQuantWithMinMaxVarsPerChannel Bucketize NextAfter`,
	// Reductions.
	`Sum Mean Max Min Prod All Any ArgMax ArgMin EuclideanNorm Cumsum Cumprod CumulativeLogsumexp SegmentSum SegmentMean
	SegmentMax SegmentMin SegmentProd UnsortedSegmentSum UnsortedSegmentMax UnsortedSegmentMin UnsortedSegmentProd Bincount DenseBincount`,
	// Images and spectra.
	`ResizeBilinear ResizeNearestNeighbor ResizeBicubic ResizeArea ScaleAndTranslate CropAndResize ImageProjectiveTransformV2
	ImageProjectiveTransformV3 RGBToHSV HSVToRGB AdjustContrastv2 AdjustHue AdjustSaturation ExtractGlimpse ExtractGlimpseV2
	FFT FFT2D FFT3D IFFT IFFT2D IFFT3D RFFT RFFT2D RFFT3D IRFFT IRFFT2D IRFFT3D`,
}

const structuralOps = `Identity IdentityN Snapshot PreventGradient EnsureShape CheckNumerics Placeholder PlaceholderWithDefault NoOp
	PartitionedCall StatefulPartitionedCall If StatelessIf Case StatelessCase While StatelessWhile Switch Merge RefSwitch RefMerge
	VarHandleOp ReadVariableOp ResourceGather Variable VariableV2 DisableCopyOnRead VarIsInitializedOp VariableShape`

const foreignOps = `XlaConv XlaConvV2 XlaDot XlaDotV2 XlaEinsum XlaPad XlaReduceWindow XlaReduce XlaVariadicReduce
	XlaVariadicReduceV2 XlaGather XlaDynamicSlice XlaSharding XlaOptimizationBarrier`

const inertOps = `Assert Print PrintV2 StringFormat AssignVariableOp AssignAddVariableOp AssignSubVariableOp RngReadAndSkip
	RandomUniform RandomStandardNormal RandomUniformInt TruncatedNormal RandomShuffle Multinomial StatefulUniform
	StatefulStandardNormalV2 StatefulTruncatedNormal StatefulUniformInt StatefulUniformFullInt StatelessRandomUniform
	StatelessRandomUniformV2 StatelessRandomNormal StatelessRandomNormalV2 StatelessTruncatedNormal StatelessTruncatedNormalV2
	StatelessRandomUniformInt StatelessRandomUniformIntV2 StatelessRandomUniformFullInt StatelessRandomUniformFullIntV2
	StatelessRandomGetKeyCounter StatelessRandomGetAlg StatelessRandomGetKeyCounterAlg StatelessMultinomial`

// reasons tell why, by the beginning of the op's name. The first that fits counts.
var reasons = []struct{ prefixes, reason string }{
	{"PyFunc EagerPyFunc PyFuncStateless", "it runs Python code"},
	{"ReadFile WriteFile MatchingFiles SaveV2 Save SaveSlices RestoreV2 Restore RestoreSlice MergeV2Checkpoints ImmutableConst " +
		"WholeFileReader TextLineReader TFRecordReader FixedLengthRecordReader FileSystemSetConfiguration", "it reads or writes files"},
	{"Recv Send _Recv _Send Rpc TryRpc Collective DebugIdentity DebugNanCount DebugNumericSummary RemoteCall Nccl", "it talks to another process"},
	{"HashTable MutableHashTable MutableDenseHashTable LookupTable AnonymousHashTable AnonymousMutable InitializeTable", "lookup tables are not supported"},
	{"XlaCallModule", "it runs compiled code, which cannot be looked into; export the network as a graph, by " +
		"jax2tf.convert(f, native_serialization=False, with_gradient=False)"},
	{"XlaLaunch _XlaCompile XlaHostCompute", "it runs compiled code that cannot be checked"},
	{"Xla", "it is XLA's, and not among those that can be written as TensorFlow's own"},
	{"Dataset Iterator MakeIterator OneShotIterator", "data pipelines are not part of a network"},
	{"WriteSummary ScalarSummary WriteScalarSummary CreateSummary SummaryWriter", "it writes files"},
	{"Enter RefEnter Exit RefExit LoopCond NextIteration RefNextIteration TensorArray", "it belongs to a loop of TensorFlow 1, which is not supported: " +
		"build the graph again after tf.compat.v1.enable_control_flow_v2()"},
	{"Assign AssignAdd AssignSub ScatterUpdate ResourceScatter TemporaryVariable", "it changes a variable; save the model for inference (training=False)"},
	{"TensorList TensorMap", "only loops whose lists have constant positions are unrolled"},
	{"DecodeJpeg DecodePng DecodeImage DecodeRaw DecodeBmp DecodeGif DecodeBase64 DecodeAndCropJpeg ParseExample ParseSingleExample",
		"the model takes encoded files, not pixels"},
}

func reasonFor(op string) string {
	for _, r := range reasons {
		for _, prefix := range strings.Fields(r.prefixes) {
			if op == prefix || (len(prefix) > 4 || prefix == "Xla") && strings.HasPrefix(op, prefix) {
				return r.reason
			}
		}
	}
	return "it is not among the ops known to be free of side effects"
}

// whyNot says why a node may not stand in the flat graph, "" if it may.
func whyNot(n *Node) string {
	switch {
	case allowed[n.Op] == inert && strings.Contains(n.Op, "Random") || strings.HasPrefix(n.Op, "Stateful") || n.Op == "RngReadAndSkip":
		return "the output depends on random numbers, drawn anew at each call; save the model for inference (training=False). Keras 3's " +
			"export() keeps augmentation layers at work: export a function that calls the model with training=False"
	case allowed[n.Op] == refused:
		return reasonFor(n.Op)
	case allowed[n.Op] != pure && allowed[n.Op] != foreign:
		return "it is not part of an inference graph"
	}
	return ""
}
